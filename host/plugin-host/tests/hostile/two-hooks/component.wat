;; Says that it serves two hooks.
(component
  (component $c)
  (instance $i (instantiate $c))
  (export "orderwright:policy/screening@0.1.0" (instance $i))
  (export "orderwright:policy/taxation@0.1.0" (instance $i)))
