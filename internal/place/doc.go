// Package place says where in the sources something was defined.
package place
