"""One thin Faust agent per stage: decode, call the engine or a client, hand on. No arithmetic lives here."""
