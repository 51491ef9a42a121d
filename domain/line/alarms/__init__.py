"""What asks for somebody at the line, with the states of ISA-18.2."""
