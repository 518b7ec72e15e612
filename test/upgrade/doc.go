// Package upgrade holds that one release follows another: the last one, which is kept
// in testdata, and this state of the repository. Its databases are migrated, in
// the midst of which everything is killed; and nodes of both work beside each
// other.
//
// What is kept are the source of the release, from which its binary is built, and
// databases that it has filled itself, whose dumps have its schema. keep-release makes
// all of it, once for each release. Nothing here asks the history of the repository.
//
// This state may have no migration that the kept release lacks. So that there is one
// in any case, what follows the kept release here is a binary with some migrations
// more, from testdata/migrations, than this state has.
package upgrade
