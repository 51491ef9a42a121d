"""Other people's servers, to be measured beside ours."""
