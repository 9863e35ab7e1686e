"""Body motion in; two-camera video with kinematic labels that agree with a stock OpenSim model out."""
