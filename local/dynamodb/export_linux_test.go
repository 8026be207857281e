package dynamodb

// EnginePID is the engine's process id, for tests that kill it.
func (s *Service) EnginePID() int { return s.engine.process.Pid }

// EnginesOn finds the engines that serve a file.
var EnginesOn = enginesOn
