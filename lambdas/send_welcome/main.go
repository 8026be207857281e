// Command send_welcome mails everybody who registers.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
)

func main() { bus.Start(users.SendWelcome, bus.On(users.Created, users.Welcome(users.LogMailer{}))) }
