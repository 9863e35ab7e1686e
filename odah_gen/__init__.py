"""Body motion in; video of several cameras with kinematic labels that agree with a stock OpenSim model out."""
