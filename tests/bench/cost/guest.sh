# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the scripts of paths.py use. The guest's cards are $in and $out.

# statistic in|out NAME
statistic() {
	# shellcheck disable=SC2154 # who sources this file sets both
	case $1 in
	in) cat "/sys/class/net/$in/statistics/$2" ;;
	out) cat "/sys/class/net/$out/statistics/$2" ;;
	esac
}

# Start a program in the background, and return when it has not failed at once.
start() {
	"$@" > "/tmp/$1.log" 2>&1 &
	echo $! > "/tmp/$1.pid"
	sleep 0.3
	kill -0 "$(cat "/tmp/$1.pid")" 2> /dev/null && return
	cat "/tmp/$1.log"
	return 1
}

# Attach an XDP program to a card. A card that frames are redirected to needs one as well.
start_xdp() {
	if [ "$2" = redirect ]; then
		xdp "$3" pass > /tmp/xdp.out 2>&1 &
		echo $! > /tmp/xdp-target.pid
	fi
	start xdp "$@"
}

stop_xdp() {
	stop xdp
	[ ! -e /tmp/xdp-target.pid ] && return
	stop xdp-target
	rm /tmp/xdp-target.pid
}

# End it, and return when it is gone; some end by themselves.
stop() {
	pid=$(cat "/tmp/$1.pid")
	kill "$pid" 2> /dev/null
	while [ -e "/proc/$pid/exe" ]; do
		sleep 0.02
	done 2> /dev/null
	true
}

# How many packets have come in that the IP layer has not seen.
not_in_stack() {
	echo $(($(statistic in rx_packets) - $(awk '/^Ip: [0-9]/ { print $3 }' /proc/net/snmp)))
}
