// Package docs does what the pages of the documentation say, as their readers
// would: by copy and paste, in an empty directory, beside a real server.
package docs
