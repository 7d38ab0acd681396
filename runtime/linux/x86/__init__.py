"""Linux on x86: i386 and x86-64."""
