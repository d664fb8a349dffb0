#include "twin.h"

#include "nn/linear.c"
