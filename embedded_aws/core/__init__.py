"""The hooks into ministack, and what our own services share."""
