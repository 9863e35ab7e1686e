"""odah_net: 3D kinematics of a person from two synchronised views, after the ODAH paper."""
