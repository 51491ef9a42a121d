"""The processes under load. Each prints one line of JSON when it is about to listen."""
