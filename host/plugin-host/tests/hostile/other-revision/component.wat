;; Built against a revision that is to come.
(component
  (component $c)
  (instance $i (instantiate $c))
  (export "orderwright:policy/taxation@0.9.0" (instance $i)))
