;; Declares a memory of 4 GiB.
(module
  (memory (export "memory") 65536)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "orderwright:policy/screening@0.1.0#screen") (param i32) (result i32) (i32.const 16)))
