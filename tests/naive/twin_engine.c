#include "twin.h"

#include "nn/engine.c"
