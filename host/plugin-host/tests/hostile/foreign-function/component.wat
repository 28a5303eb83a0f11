;; Imports a function directly, not an interface.
(component
  (import "run-shell" (func (param "command" string))))
