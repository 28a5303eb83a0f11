;; Wants the host to give it a core module. The exported instance is enough for the inspection.
(component
  (import "wasi:evil/code" (core module $code))
  (component $c)
  (instance $i (instantiate $c))
  (export "orderwright:policy/screening@0.1.0" (instance $i)))
