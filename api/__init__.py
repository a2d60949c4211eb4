"""The edge: how people and programs outside read the scanner's results, over REST and WebSocket."""
