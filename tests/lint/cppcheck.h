/* Loops of libraries whose headers cppcheck isn't given, and what Check's macros stand for. */
#define json_array_foreach(array, index, value) \
    for (index = 0; (value = json_array_get(array, index)); index++)
#define json_object_foreach(object, key, value) \
    for (key = ""; (value = json_object_get(object, key));)
#define json_object_foreach_safe(object, next, key, value) \
    for (key = ""; (value = json_object_get(object, key));)
#define START_TEST(name) static void name(int _i)
#define END_TEST
