// Package emf writes metrics as log lines in CloudWatch's embedded metric
// format: Lambda's log is where CloudWatch finds them, so a function makes no
// call for its metrics and needs no permission.
//
//	emf.Write(os.Stdout, emf.Record{
//		Namespace:  "Vinci",
//		Time:       time.Now(),
//		Dimensions: []emf.Dimension{{"Application", "shop"}, {"Deployment", "dev"}},
//		Values:     []emf.Value{emf.Count("Handled", 3), emf.Milliseconds("Lag", lag)},
//	})
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package emf
