"""How the bundled encoder is made: `python -m training`, one stage after the other; see `training/README.md`."""
