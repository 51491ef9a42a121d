"""From a reading to what follows from it: effect, verdict, outputs, feedback, print, journal."""
