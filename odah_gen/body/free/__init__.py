"""Builds the free body: MakeHuman's CC0 mesh and shapes, turned into a body model in SMPL-X's .npz schema."""
