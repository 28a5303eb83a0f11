;; Never gives the host memory for the question.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop $again (br $again)) unreachable)
  (func (export "orderwright:policy/screening@0.1.0#screen") (param i32) (result i32) (i32.const 16)))
