// Package environ has what every model file may refer to: the tables of settings.
package environ
