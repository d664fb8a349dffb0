#include "twin.h"

#include "nn/norm.c"
