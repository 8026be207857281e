package lambda

// SigningName is the service's name in the credential scope of signatures.
func (s *Service) SigningName() string { return "lambda" }
