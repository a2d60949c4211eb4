"""What of the engine's state is stored, under which key and as which bytes, so that a restart resumes exactly."""
