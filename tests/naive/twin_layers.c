#include "twin.h"

#include "nn/layers.c"
