;; Exports the interface, and nothing in it.
(component
  (component $c)
  (instance $i (instantiate $c))
  (export "orderwright:policy/screening@0.1.0" (instance $i)))
