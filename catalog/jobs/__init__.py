"""Jobs: how they begin, what their items ask for, the workers that do it, and what is told of them."""
