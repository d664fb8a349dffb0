/*
 * FL_MUST before the declaration of a function whose result says whether it failed: the compiler
 * warns where nobody looks at it, also through (void). tests/layers asks for it on every "int fl_",
 * functions that only record an error excepted, which always return -1.
 */
#ifndef FL_BASE_MUST_H
#define FL_BASE_MUST_H

#define FL_MUST __attribute__((warn_unused_result))

#endif
