// Package settingstest sets settings in tests of what reads them.
package settingstest
