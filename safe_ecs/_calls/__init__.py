"""A call of the SDK, read once into plain data: the guard reviews these data, and the SDK sends them."""
