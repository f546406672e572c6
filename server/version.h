/* version.h - the release, from the Makefile. */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H

#ifndef PARLEY_VERSION
#define PARLEY_VERSION "0.1.0"
#endif

#endif
