import opensim

opensim.Logger.setLevelString("Off")
opensim.Logger.removeFileSink()
