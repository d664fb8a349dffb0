#include "twin.h"

#include "nn/backward.c"
