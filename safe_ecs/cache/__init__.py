"""What ECS said before, and for how long it counts."""
