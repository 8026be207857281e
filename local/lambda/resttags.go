package lambda

import (
	"maps"
	"net/http"
	"strings"
)

// maxTags is how many tags a resource may have.
const maxTags = 50

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return badParameter("The number of tags exceeds the limit of %d", maxTags)
	}
	for key, value := range tags {
		switch {
		case key == "" || len(key) > 128 || len(value) > 256:
			return badParameter("Invalid tag key or value: a key has 1 to 128 characters and a value at most 256: %s", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return badParameter("Tag keys starting with 'aws:' are reserved for system use")
		}
	}
	return nil
}

// changeTags changes the tags of the function or mapping whose ARN is in the path.
func (s *Service) changeTags(c *restCall, change func(map[string]string) error) error {
	merge := func(tags map[string]string) (map[string]string, error) {
		next := maps.Clone(tags)
		if next == nil {
			next = map[string]string{}
		}
		if err := change(next); err != nil {
			return nil, err
		}
		return next, checkTags(next)
	}
	if id, ok := mappingID(c.value); ok {
		return s.changeMapping(id, func(m *mappingDefinition) (err error) {
			m.Tags, err = merge(m.Tags)
			return err
		})
	}
	if err := s.checkTagged(c.value); err != nil {
		return err
	}
	_, err := s.changeFunction(c.value, func(d *definition) (err error) {
		d.Config.Tags, err = merge(d.Config.Tags)
		return err
	})
	return err
}

// checkTagged refuses what is not the ARN of a function without a qualifier.
func (s *Service) checkTagged(arn string) error {
	name, err := s.parseFunction(arn)
	if err != nil || !strings.HasPrefix(arn, "arn:") {
		return invalidShape("resource", arn, "Member must be the ARN of a function or of an event source mapping")
	}
	if name.qualifier != "" {
		return badParameter("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return nil
}

// tagResource: https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
func (s *Service) tagResource(c *restCall) (int, any, error) {
	var in struct{ Tags map[string]string }
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.changeTags(c, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		return nil
	})
}

// untagResource: https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html
func (s *Service) untagResource(c *restCall) (int, any, error) {
	keys := c.query["tagKeys"]
	if len(keys) == 0 {
		return 0, nil, invalidShape("tagKeys", "null", "Member must not be null")
	}
	return http.StatusNoContent, nil, s.changeTags(c, func(tags map[string]string) error {
		for _, key := range keys {
			delete(tags, key)
		}
		return nil
	})
}

// listTags: https://docs.aws.amazon.com/lambda/latest/api/API_ListTags.html
func (s *Service) listTags(c *restCall) (int, any, error) {
	var tags map[string]string
	if id, ok := mappingID(c.value); ok {
		m, err := s.mappingByID(id)
		if err != nil {
			return 0, nil, err
		}
		tags = m.Tags
	} else {
		if err := s.checkTagged(c.value); err != nil {
			return 0, nil, err
		}
		d, err := s.lookup(c.value)
		if err != nil {
			return 0, nil, err
		}
		tags = d.Config.Tags
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return http.StatusOK, struct {
		Tags map[string]string `json:"Tags"`
	}{tags}, nil
}
