"""Whole hosts on a simulated network under one virtual clock (`mainmode simulate`)."""
