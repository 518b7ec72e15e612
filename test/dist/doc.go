// Package dist tests what a release is made of, as people get it: archive, package
// for Debian, unit of systemd, container. It makes one for this machine's platform,
// installs it where a real systemd runs, and in a container.
//
// That the other platforms are built too is for make dist to show: it takes minutes.
package dist
