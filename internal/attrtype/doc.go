// Package attrtype names the DynamoDB types of attribute values, for the layers
// that look at values without a definition.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
package attrtype
