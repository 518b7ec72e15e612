package main

import (
	"fmt"
	"os"
	"strings"
)

// secretText reads a secret of the configuration: from its variable or, where that is
// not set, from the file that the field names. source is which of the two has it; ""
// for neither.
func (a *app) secretText(variable, field, file string) (source, text string, err error) {
	if text := a.environ[variable]; text != "" {
		return variable, text, nil
	}
	if file == "" {
		return "", "", nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", "", fmt.Errorf("reading %s: %w", field, err)
	}
	return file, string(content), nil
}

// variableOf is the variable for something of the configuration that has a name.
func variableOf(prefix, name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
