#include "twin.h"

#include "nn/block.c"
