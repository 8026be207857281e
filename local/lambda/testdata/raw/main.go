// Command raw is a runtime that speaks the Runtime API by itself, and not well.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

var base = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"

// next asks for work and returns the request id.
func next() (id string, status int) {
	resp, err := http.Get(base + "invocation/next")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		log.Fatal(err)
	}
	return resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), resp.StatusCode
}

func post(path, body string) int {
	resp, err := http.Post(base+path, "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func main() {
	mode := os.Getenv("MODE")
	if mode == "init error" {
		post("init/error", `{"errorType":"Config.Missing","errorMessage":"no TABLE"}`)
		os.Exit(1)
	}
	if mode == "two pollers" {
		go serve(mode)
	}
	serve(mode)
}

func serve(mode string) {
	for {
		id, _ := next()
		statuses := []int{}
		switch mode {
		case "unanswered":
			_, status := next()
			statuses = append(statuses, status)
		case "wrong id":
			statuses = append(statuses, post("invocation/other/response", "{}"), post("invocation/other/error", "{}"))
		case "text error":
			post("invocation/"+id+"/error", "it broke")
			continue
		}
		post("invocation/"+id+"/response", fmt.Sprintf("%v", statuses))
		if mode == "twice" {
			log.Print("again: ", post("invocation/"+id+"/response", "{}"))
		}
	}
}
