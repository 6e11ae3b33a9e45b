#ifndef SUPPORT_FACES_H
#define SUPPORT_FACES_H

/* Set-up and tear-down of a group whose state is the faces that come with the program (struct fonts *). */
int faces_open(void **state);
int faces_close(void **state);

#endif
