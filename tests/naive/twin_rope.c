#include "twin.h"

#include "nn/rope.c"
