// Package boltfile opens and writes the databases of the local services: one file a
// service in the data folder, each with buckets of its own.
//
// They are written without fsync. When a write returns, its pages are the kernel's:
// the death of this process loses nothing and leaves nothing half written, because
// bbolt makes a transaction visible by one last page. The death of the machine may
// lose the newest transactions or the file, which is the price for a local runtime
// that does not wait for the disk.
package boltfile
