;; Answers with a float.
(module
  (func (export "orderwright:policy/screening@0.1.0#screen") (param f64) (result f64) (f64.const nan)))
