;; Answers, and never ends cleaning up.
(module
  (memory (export "memory") 16)
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $new i32)
    (local.set $new (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $new) (local.get 3)))
    (local.get $new))
  (func (export "orderwright:policy/screening@0.1.0#screen") (param i32) (result i32) (i32.const 16))
  (func (export "cabi_post_orderwright:policy/screening@0.1.0#screen") (param i32) (loop $again (br $again))))
